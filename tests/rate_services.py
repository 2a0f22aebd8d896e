"""The services of rates, drivers and context as one local server that speaks their documented shapes, and does wrong
when told to."""

import io
import json
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from http.server import ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

import trustme

from faults import IN_CSV, IN_JSON, IN_XML, ON_THE_WIRE, Wire

Table = dict[date, float]
TOKEN, USER, PASSWORD, KEY = "tok/en+1", "ana@example.org", "pa ss&wörd", "0123456789abcdef"
SECRETS = (TOKEN, USER, PASSWORD, KEY)
CLOSED = "."  # how FRED writes a day without a rate
NEW_YORK = ZoneInfo("America/New_York")
CSV, XML = ("fred_csv", "ecb_sdmx"), ("google_news", "newspaper")
PAIRS = {"F073.TCO.PRE.Z.D": "USDCLP", "dolar": "USDCLP", "DEXUSEU": "EURUSD"}  # by the code of a service
UNITS = {"dolar": "Pesos", "libra_cobre": "Dólar"}


@dataclass(frozen=True)
class Story:
    """An item of a feed. outlet: told in the item, as Google News does."""

    title: str
    link: str
    published_at: datetime | None = None
    outlet: str = ""


@dataclass
class Services:
    """A running server. asked: the path and query of each request, in order."""

    # pair -> date -> rate: USDCLP, and what the ECB gives per euro as EURUSD, EURMXN; drivers by the code of a service
    rates: dict[str, Table]
    address: str
    stories: dict[str, list[Story]] = field(default_factory=dict)  # by feed
    events: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    count: Counter[str] = field(default_factory=Counter)

    def url(self, name: str) -> str:
        """What the source calls its base_url; a port where nobody listens if the service refuses."""
        address = "http://127.0.0.1:1" if self.faults.get(name) == "refused" else self.address
        return f"{address}/{name}"

    def fail(self, name: str, mode: str) -> None:
        """From now on a service does this wrong: `refused`, or a name of the tables in faults."""
        self.faults[name] = mode
        self.count[name] = 0

    def answer(self, wire: Wire) -> None:
        """What a request gets."""
        self.asked.append(wire.path)
        url = urlsplit(wire.path)
        name, _, rest = url.path[1:].partition("/")
        query = {key: values[0] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
        status, wire.good = self._good(name, rest, query)
        wire.before, mode = self.count[name], self.faults.get(name, "")
        self.count[name] += 1
        if mode in ON_THE_WIRE:
            ON_THE_WIRE[mode](wire)
        else:
            garbage = (IN_CSV if name in CSV else IN_XML if name in XML else IN_JSON).get(mode, bytes)
            wire.reply(garbage(wire.good), status)

    def _good(self, name: str, rest: str, query: dict[str, str]) -> "Answer":
        if name in XML:
            return 200, _feed(self.stories.get(rest or name, []))
        if name == "forex_factory":
            return _json(self.events)
        return ANSWERS[name](self.rates, rest, query)


@contextmanager
def running_services(rates: dict[str, Table], *, tls: bool = False) -> Iterator[Services]:
    """Serve the rates on a free port of this machine; tls: with a certificate that nobody trusts."""
    closing = Event()

    class Handler(Wire):
        def do_GET(self) -> None:
            self.closing = closing
            services.answer(self)

        def log_message(self, *args: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # joined when the server closes, so that no socket is left open

        def handle_error(self, *args: object) -> None: ...

    with Server(("127.0.0.1", 0), Handler) as server:
        services = Services(rates, f"http{'s' * tls}://127.0.0.1:{server.server_port}")
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield services
        finally:
            closing.set()
            server.shutdown()
            thread.join()


Answer = tuple[int, bytes]


def _bcch(rates: dict[str, Table], rest: str, query: dict[str, str]) -> Answer:
    known = query.get("token") == TOKEN or (query.get("user"), query.get("pass")) == (USER, PASSWORD)
    empty = {"descripEsp": None, "descripIng": None, "seriesId": None, "Obs": None}
    if not known:
        return _json({"Codigo": -5, "Descripcion": "Invalid username or password", "Series": empty, "SeriesInfos": []})
    code = query["timeseries"]
    if PAIRS.get(code, code) not in rates:
        return _json({"Codigo": -50, "Descripcion": "Serie no existe", "Series": empty, "SeriesInfos": []})
    start, end = date.fromisoformat(query["firstdate"]), date.fromisoformat(query["lastdate"])
    table = _between(rates[PAIRS.get(code, code)], start, end)
    days = [min(table) + timedelta(n) for n in range((max(table) - min(table)).days + 1)] if table else []
    days = [day for day in days if day in table or not code.endswith(".M")]
    observations = [
        {"indexDateString": f"{day:%d-%m-%Y}", "value": f"{table[day]}", "statusCode": "OK"}
        if day in table
        else {"indexDateString": f"{day:%d-%m-%Y}", "value": "NaN", "statusCode": "ND"}
        for day in days
    ]
    names = {"descripEsp": "Dólar observado", "descripIng": "Observed dollar", "seriesId": query["timeseries"]}
    series = names | {"Obs": observations}
    return _json({"Codigo": 0, "Descripcion": "Success", "Series": series, "SeriesInfos": []})


def _mindicador(rates: dict[str, Table], rest: str, query: dict[str, str]) -> Answer:
    code, _, year = rest.partition("/")
    table = rates[PAIRS.get(code, code)]
    wanted = [day for day in table if day.year == int(year)] if year else sorted(table)[-20:]
    serie = [{"fecha": f"{day}T04:00:00.000Z", "valor": table[day]} for day in sorted(wanted, reverse=True)]
    head = {"version": "1.7.0", "autor": "mindicador.cl", "codigo": code, "nombre": f"El indicador {code}"}
    return _json(head | {"unidad_medida": UNITS.get(code, "Porcentaje"), "serie": serie})


def _cmf(rates: dict[str, Table], rest: str, query: dict[str, str]) -> Answer:
    if query.get("apikey") != KEY:
        return _json({"CodigoHTTP": 401, "CodigoError": 10, "Mensaje": "API key no ha sido suministrada"}, 401)
    _, _, y1, m1, _, d1, y2, m2, _, d2 = rest.split("/")
    table = _between(rates["USDCLP"], date(int(y1), int(m1), int(d1)), date(int(y2), int(m2), int(d2)))
    if not table:
        return _json({"CodigoHTTP": 404, "CodigoError": 80, "Mensaje": "No hay datos para la fecha indicada"}, 404)
    rows = [{"Valor": _chilean(value), "Fecha": f"{day}"} for day, value in table.items()]
    return _json({"Dolares": rows})


def _frankfurter(rates: dict[str, Table], rest: str, query: dict[str, str]) -> Answer:
    if rest == "v2/rates":
        table = _between(rates["USDCLP"], date.fromisoformat(query["from"]), date.max)  # one day ahead
        ones = [{"date": f"{day}", "base": "USD", "quote": "USD", "rate": 1} for day in list(table)[:1]]
        return _json(ones + [{"date": f"{d}", "base": "USD", "quote": "CLP", "rate": v} for d, v in table.items()])
    start, end = map(date.fromisoformat, rest.removeprefix("v1/").split(".."))
    tables = {symbol: rates[f"EUR{symbol}"] for symbol in query["symbols"].split(",")}
    days = sorted(set.union(*map(set, tables.values())))
    shown = [day for day in days if day <= start][-1:] + [day for day in days if start < day <= end]
    table = {f"{day}": {symbol: of[day] for symbol, of in tables.items() if day in of} for day in shown}
    if not table:
        return _json({"message": "not found"}, 404)
    return _json({"amount": 1.0, "base": "EUR", "start_date": min(table), "end_date": max(table), "rates": table})


def _fred(rates: dict[str, Table], rest: str, query: dict[str, str]) -> Answer:
    if query.get("api_key") != KEY:
        return _json({"error_code": 400, "error_message": "Bad Request. The value for api_key is not registered."}, 400)
    code = query["series_id"]
    if PAIRS.get(code, code) not in rates:
        return _json({"error_code": 400, "error_message": "Bad Request. The series does not exist."}, 400)
    rows = _with_closed(rates[PAIRS.get(code, code)], query["observation_start"], query["observation_end"])
    known = {"realtime_start": "2024-07-01", "realtime_end": "2024-07-01"}
    return _json({"observations": [known | {"date": day, "value": value} for day, value in rows]})


def _fred_csv(rates: dict[str, Table], rest: str, query: dict[str, str]) -> Answer:
    rows = _with_closed(rates[PAIRS.get(query["id"], query["id"])], query["cosd"], query["coed"])
    return 200, "".join(f"{day},{value}\n" for day, value in [("observation_date", query["id"]), *rows]).encode()


def _ecb(rates: dict[str, Table], rest: str, query: dict[str, str]) -> Answer:
    """eurofxref-hist.zip: newest first, a comma at the end of each line, N/A where there is no rate."""
    currencies = sorted(pair[3:] for pair in rates if pair.startswith("EUR"))
    days = sorted(set().union(*(rates[f"EUR{currency}"] for currency in currencies)), reverse=True)
    rows = [[f"{day}", *(f"{rates[f'EUR{c}'].get(day, 'N/A')}" for c in currencies)] for day in days]
    text = "".join(",".join(row) + ",\n" for row in [["Date", *currencies], *rows])
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("eurofxref-hist.csv", text)
    return 200, file.getvalue()


def _ecb_sdmx(rates: dict[str, Table], rest: str, query: dict[str, str]) -> Answer:
    header = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE,TITLE\n"
    start, end = date.fromisoformat(query["startPeriod"]), date.fromisoformat(query["endPeriod"])
    return 200, header.encode() + b"".join(
        f'EXR.D.{c}.EUR.SP00.A,D,{c},EUR,SP00,A,{day},{value},"{c}, per euro"\n'.encode()
        for c in rest.split(".")[1].split("+")
        for day, value in _between(rates[f"EUR{c}"], start, end).items()
    )


def _yahoo(rates: dict[str, Table], rest: str, query: dict[str, str]) -> Answer:
    """A bar begins at midnight of New York. A day of the table whose value is nan has a bar without a price."""
    symbol = unquote(rest)
    if symbol not in rates:
        error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        return _json({"chart": {"result": None, "error": error}}, 404)
    begins = {day: int(datetime.combine(day, time(0), NEW_YORK).timestamp()) for day in sorted(rates[symbol])}
    shown = [day for day, second in begins.items() if int(query["period1"]) <= second < int(query["period2"])]
    closes = [None if rates[symbol][day] != rates[symbol][day] else rates[symbol][day] for day in shown]
    meta = {"currency": "USD", "symbol": symbol, "exchangeTimezoneName": "America/New_York", "gmtoffset": -18000}
    result: dict[str, object] = {"meta": meta | {"dataGranularity": "1d", "regularMarketTime": 1719600000}}
    if shown:
        result["timestamp"] = [begins[day] for day in shown]
    bars = {key: closes for key in ("open", "high", "low", "close", "volume")} if shown else {}
    result["indicators"] = {"quote": [bars], "adjclose": [{"adjclose": closes}]}
    return _json({"chart": {"result": [result], "error": None}})


def _feed(stories: list[Story]) -> bytes:
    items = "".join(
        f"<item><title>{escape(story.title)}</title><link>{escape(story.link)}</link>"
        + (
            f"<pubDate>{format_datetime(story.published_at.astimezone(UTC), usegmt=True)}</pubDate>"
            if story.published_at
            else ""
        )
        + (f'<source url="https://example.org">{escape(story.outlet)}</source>' if story.outlet else "")
        + "<description>&lt;p&gt;Texto&lt;/p&gt;</description></item>"
        for story in stories
    )
    head = '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Un diario</title>'
    return f"{head}{items}</channel></rss>".encode()


def _with_closed(table: Table, start: str, end: str) -> list[tuple[str, str]]:
    shown = _between(table, date.fromisoformat(start), date.fromisoformat(end))
    return [(f"{day}", f"{value}") for day, value in shown.items()] + ([("1999-01-01", CLOSED)] if shown else [])


def _between(table: Table, start: date, end: date) -> Table:
    return {day: table[day] for day in sorted(table) if start <= day <= end}


def _chilean(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def _json(reply: object, status: int = 200) -> Answer:
    return status, json.dumps(reply).encode()


ANSWERS: dict[str, Callable[[dict[str, Table], str, dict[str, str]], Answer]] = {
    "bcch": _bcch,
    "mindicador": _mindicador,
    "findic": _mindicador,
    "cmf": _cmf,
    "frankfurter": _frankfurter,
    "ecb": _ecb,
    "ecb_sdmx": _ecb_sdmx,
    "fred": _fred,
    "fred_csv": _fred_csv,
    "yahoo": _yahoo,
}
