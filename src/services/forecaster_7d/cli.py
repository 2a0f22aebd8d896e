"""python -m services.forecaster_7d.cli"""

from forex_cli.forecaster import build_app

app = build_app("7d")

if __name__ == "__main__":
    app()
