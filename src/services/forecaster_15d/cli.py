"""python -m services.forecaster_15d.cli"""

from forex_cli.forecaster import build_app

app = build_app("15d")

if __name__ == "__main__":
    app()
