"""forex config: what is set, and where each value comes from."""

import typer

from forex_cli import config_init, options
from forex_cli.session import errors_as_exit_codes, print_json, session

app = typer.Typer(help="Make, show and check the configuration.", no_args_is_help=True)
app.command()(config_init.init)


@app.command()
def show(context: typer.Context, json: options.Json = False) -> None:
    """Every setting, its value (passwords masked) and its origin."""
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.settings import names, variable_of

        settings = session(context).settings()
        rows = [(name, settings.shown(name), settings.origins[name], variable_of(name)) for name in names()]
        if json:
            keys = ("name", "value", "origin", "variable")
            described = [dict(zip(keys, row, strict=True)) for row in rows]
            print_json({"schema": 1, "command": "config show", "settings": described})
        else:
            for name, value, origin, variable in rows:
                typer.echo(f"{name} = {value or '(not set)'}  [{origin}; {variable}]")


@app.command()
def validate(context: typer.Context, json: options.Json = False) -> None:
    """Check the configuration whole: names, values, members and sources."""
    with errors_as_exit_codes(context, as_json=json):
        from forex_core.bootstrap import check

        check(session(context).settings())
        if json:
            print_json({"schema": 1, "command": "config validate", "valid": True})
        else:
            typer.echo("The configuration is valid.")
