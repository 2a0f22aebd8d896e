"""The report's words in the Spanish of Chile; the same keys and placeholders as in English."""

WORDS = {
    "and": "y",
    "days_one": "{n} día",
    "days_many": "{n} días",
    "currency_EUR": "el euro",
    "currency_USD": "el dólar",
    # the verdict
    "verdict_unknown": (
        "No es mejor que el paseo aleatorio, hasta donde se sabe: aún no se puede evaluar ninguna ventana pasada."
    ),
    "verdict_no_better": (
        "No es mejor que el paseo aleatorio: su pérdida fue {change} mayor en las últimas {n} ventanas."
    ),
    "verdict_unproven": (
        "No está demostrado que sea mejor que el paseo aleatorio: su pérdida fue {change} menor en las últimas {n} "
        "ventanas, lo que puede ser azar."
    ),
    "verdict_better": "Es mejor que el paseo aleatorio: su pérdida fue {change} menor en las últimas {n} ventanas.",
    "headline_no_better": "No es mejor que el paseo aleatorio a {horizons}.",
    "headline_unknown": "A {horizons} no se sabe: aún no se puede evaluar ninguna ventana pasada.",
    "headline_unproven": "No está demostrado que sea mejor que el paseo aleatorio a {horizons}.",
    "headline_better": "Es mejor que el paseo aleatorio en las ventanas pasadas a {horizons}.",
    "live_worse": "Los pronósticos emitidos ya vencidos han perdido más que el paseo aleatorio: {losses}.",
    "live_loss": "{horizon} {change}",
    # first screen
    "heading": "{pair}, {day}",
    "spot": "Valor actual {rate}, del {day}, conocido desde {moment}, fuente {source}. Información hasta {as_of}.",
    "unit": "Las tasas están en {quote} por {base}.",
    "sections": "Secciones",
    "forecast": "El pronóstico",
    "forecast_caption": "Qué se espera, con cuánta certeza, y al lado el paseo aleatorio",
    "ahead": "plazo",
    "target": "fecha",
    "steps": "días hábiles",
    "start": "parte de",
    "median": "mediana",
    "from_spot": "desde el valor actual",
    "interval": "rango del {percent}",
    "walk": "paseo aleatorio",
    "walk_interval": "paseo aleatorio, {percent}",
    "above": "prob. sobre {rate}",
    "skill_live": "ventaja, emitidos",
    "skill_backtest": "ventaja, en el pasado",
    "none_due": "aún ninguno",
    "skill_note": (
        "La ventaja es la parte de la pérdida del paseo aleatorio que se ahorra; bajo cero se pierde más. Con su "
        "intervalo del {percent} donde se evaluaron bastantes, y entre paréntesis cuántos fueron."
    ),
    "range_sentence": "En 8 de cada 10 casos así, {base} está entre {low} y {high} el {day}.",
    "role_demo": "Una demostración: nunca cuenta en el historial.",
    "role_replay": "Una repetición: nunca cuenta en el historial.",
    "role_challenger": "Del retador, no del campeón.",
    # chart
    "fan": "Gráfico de abanico",
    "fan_title": "{pair}: los valores desde el {first} y el pronóstico al {day}",
    "fan_desc": (
        "{n} valores hasta {last} el {issued_on}; luego el pronóstico para el {day}: mediana {median}, "
        "en 8 de cada 10 casos entre {low} y {high}."
    ),
    "mark_title": "{horizon}: de {low} a {high}, mediana {median}",
    "legend_history": "valor",
    "legend_median": "mediana",
    "legend_walk": "paseo aleatorio: el valor se queda donde está",
    "legend_mark": "rangos del {percent} de los otros plazos",
    "legend_band": "{percent} de los casos",
    "fan_table": "El gráfico como tabla",
    "date": "fecha",
    "rate": "valor o mediana",
    # one horizon
    "section": "{horizon}, al {day}",
    "quantiles": "El rango",
    "quantiles_caption_one": "{n} día hábil después del {day}",
    "quantiles_caption_many": "{n} días hábiles después del {day}",
    "ensemble": "pronóstico",
    # changes
    "changes": "Qué cambió desde el último pronóstico",
    "changes_none": "Es el primer pronóstico de este plazo: no hay otro con que compararlo.",
    "before": "antes",
    "now": "ahora",
    "change": "cambio",
    "issued_on": "emitido el",
    "spot_name": "valor actual",
    "width": "ancho del rango del {percent}",
    "walk_width": "el del paseo aleatorio",
    "volatility": "volatilidad diaria",
    "move_up_one": "En {n} día hábil el valor subió {change}",
    "move_up_many": "En {n} días hábiles el valor subió {change}",
    "move_down_one": "En {n} día hábil el valor bajó {change}",
    "move_down_many": "En {n} días hábiles el valor bajó {change}",
    "move_flat_one": "En {n} día hábil el valor no se movió ({change})",
    "move_flat_many": "En {n} días hábiles el valor no se movió ({change})",
    "move_inside": "{move}, dentro del rango del {percent} que se había dado.",
    "move_outside": "{move}, fuera incluso del rango del {percent} que se había dado.",
    "move_beyond": "{move}, más allá de lo que miraba el último pronóstico.",
    "median_moved": "La mediana se movió {change}: {spot} por el valor actual, {rest} por los miembros.",
    "width_changed": (
        "El rango del {percent} es {change} {wider}: {level} por el nivel del valor, {time} por el número de días "
        "hábiles, {rest} por la volatilidad y los pesos."
    ),
    "wider": "más ancho",
    "narrower": "más angosto",
    "regime": "La volatilidad es {regime}: {recent} diaria en los últimos {n} días hábiles, {usual} en {all} días.",
    "regime_calm": "baja",
    "regime_usual": "normal",
    "regime_wild": "alta",
    "weights_same": "Los miembros y sus pesos son los mismos.",
    "weights_changed": "Cambiaron los pesos: {weights}.",
    "member_lost": "Ahora sin {name}.",
    "member_found": "Ahora con {name}.",
    "weighting_changed": "Los miembros se combinan con {now}, ya no con {before}.",
    "source_changed": "El valor viene de {now}, ya no de {before}.",
    "part_lost": "Esta vez hecho sin {name}.",
    "part_found": "Esta vez hecho con {name}.",
    "rows_changed": "Se hizo con {now} valores confiables; antes, {before}.",
    "version_changed": "Versión {now}, antes {before}.",
    "code_changed": "Código {now}, antes {before}.",
    # track record
    "record": "Historial",
    "record_none": "Aún no vence ningún pronóstico emitido de este plazo.",
    "record_caption_one": "Venció {n} pronóstico emitido",
    "record_caption_many": "Vencieron {n} pronósticos emitidos",
    "skill": "ventaja",
    "mae": "error medio de la mediana (MAE)",
    "interval_score": "puntaje del intervalo, {percent} (menos es mejor)",
    "direction": "dirección correcta",
    "test": "Diebold-Mariano",
    "test_shown": "t {t}, p {p}",
    "test_none": "muy pocos para probar",
    "coverage": "Cuántas veces el resultado quedó dentro",
    "coverage_inside": "dentro",
    "coverage_error": "si es exacto, ±",
    "coverage_desc": "Parte de los resultados dentro de cada rango: {shares}.",
    "coverage_note": "El punto es lo que resultó, la raya lo prometido, la barra dos errores estándar a cada lado.",
    "overlap_note_one": "Hasta {overlap} de estos pronósticos se traslapan; ± y la barra cuentan solo el {n} que no.",
    "overlap_note_many": "Hasta {overlap} de estos pronósticos se traslapan; ± y la barra cuentan solo los {n} que no.",
    "newest": "Los más recientes",
    "worst": "Los peores errores",
    "said": "se dijo",
    "came": "resultó",
    "miss": "error",
    "outside": "fuera",
    # backtest
    "backtest": "Ventanas pasadas",
    "backtest_none": "Aún no vence ninguna ventana pasada.",
    "backtest_caption_one": "La última ventana, que ve solo lo que se sabía entonces",
    "backtest_caption_many": "Las últimas {n} ventanas; cada una ve solo lo que se sabía entonces",
    "ratio": "pérdida junto a la del paseo aleatorio (bajo 1 es mejor)",
    "held": "resultados dentro del rango del {percent}",
    "rmse": "error típico de la mediana (RMSE)",
    "with_percent": "{rate}, {percent}",
    # what if
    "scenarios": "Qué pasaría si",
    "scenarios_caption": "No son pronósticos: qué se seguiría si algo ocurriera",
    "if": "si",
    "then": "el {day}",
    "likely": "probabilidad",
    "if_higher": "termina una desviación estándar más arriba",
    "if_lower": "termina una desviación estándar más abajo",
    "if_calm": (
        "la volatilidad es la de los {n} días más calmos desde el {first}, {sigma} diaria: rango del {percent}"
    ),
    "if_wild": (
        "la volatilidad es la de los {n} días más agitados desde el {first}, {sigma} diaria: rango del {percent}"
    ),
    "or_more": "{chance} o más allá",
    # members
    "members": "Miembros",
    "member": "miembro",
    "weight": "peso",
    "dropped": "quedó fuera:",
    # around
    "headlines": "Titulares",
    "headlines_none": "No se leyó ninguno.",
    "events": "Lo que viene",
    "events_none": "No se sabe de nada próximo.",
    "about": "cerca de",
    "more": "y {n} más",
    "impact_high": "impacto alto",
    "impact_medium": "impacto medio",
    "impact_low": "impacto bajo",
    "impact_holiday": "feriado",
    # provenance
    "provenance": "De dónde vienen los datos",
    "provenance_none": "Se usaron solo los valores mismos.",
    "provenance_caption": "Con qué se hizo; edad en días hábiles",
    "part": "parte",
    "source": "fuente",
    "newest_of": "último",
    "age": "edad",
    "refused": "rechazos",
    "missing": "falta",
    "part_headlines": "titulares",
    "part_events": "agenda",
    "information": "{n} valores confiables, información hasta {as_of}, hecho {made}.",
    # method
    "method": "Método",
    "method_ensemble": (
        "Cada miembro da {levels} cuantiles para cada día hábil por venir; {weighting} hace de ellos un pronóstico. "
        "La mediana es el pronóstico puntual y los rangos se leen de los cuantiles."
    ),
    "method_walk": (
        "El paseo aleatorio es el último valor con una dispersión de volatilidad constante. Cada ventaja, pérdida y "
        "prueba está junto a la suya, en las mismas fechas."
    ),
    "method_windows": (
        "Las ventanas pasadas empiezan cada {every} días hábiles y ven solo lo que se sabía entonces. Un pronóstico "
        "emitido queda congelado; se evalúa cuando se conoce el valor de su fecha."
    ),
    "weighting_equal": "el promedio con pesos iguales",
    "weighting_median": "la mediana de los miembros",
    "weighting_inverse_rmse": "el promedio con pesos según el error pasado",
    "disclaimer": "No es un consejo de compra ni de venta. La precisión pasada no promete nada.",
    "identity": "Identidad",
    "role": "rol",
    "role_name_champion": "campeón",
    "role_name_challenger": "retador",
    "role_name_replay": "repetición",
    "role_name_demo": "demostración",
    "version": "versión",
    "code": "código",
    "id": "pronóstico",
    "content_hash": "contenido, sha256",
    "data_hash": "datos, sha256",
    "weights_hash": "pesos de {name}",
}
