"""The table of faults is what the tests' markers say."""

from fault_table import FAULTS, TABLE, listed, marked, results_of, table


def test_every_fault_is_injected_by_a_test() -> None:
    assert [number for number, tests in marked().items() if not tests] == []


def test_the_table_lists_the_marked_tests() -> None:
    assert listed(TABLE.read_text(encoding="utf-8")) == marked()


def test_a_test_has_passed_only_if_each_of_its_cases_has() -> None:
    said = results_of(
        [("tests/a.py::one[x]", "passed"), ("tests/a.py::one[y]", "failed"), ("tests/b.py::two", "passed")]
    )
    assert said == {"a.py::one": "failed", "b.py::two": "passed"}
    assert table({}).count("not run") == sum(map(len, marked().values()))
    assert set(marked()) == set(FAULTS)
