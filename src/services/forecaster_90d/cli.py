"""python -m services.forecaster_90d.cli"""

from forex_cli.forecaster import build_app

app = build_app("90d")

if __name__ == "__main__":
    app()
