"""python -m services.forecaster_30d.cli"""

from forex_cli.forecaster import build_app

app = build_app("30d")

if __name__ == "__main__":
    app()
