"""How a market is found: by name, by TOML file, by run folder."""

import pytest

import simcal
from simcal import models
from simcal.errors import ParameterError
from simcal.models.herding import HerdingMarket
from simcal.models.stock import StockMarket
from simcal.rfq import RfqMarket


@pytest.mark.parametrize("name", models.names())
def test_every_market_that_comes_along_loads_and_comes_back_from_its_file(name, tmp_path):
    market = simcal.load(name)
    models.save(market, tmp_path / "copy.toml")
    assert simcal.load(tmp_path / "copy.toml") == market
    assert simcal.load(str(tmp_path / "copy.toml")) == market
    assert models.from_dict(market.to_dict()) == market


def test_the_named_markets_are_there():
    assert {"stock", "stock-hard", "herding", "rfq", "rfq-desk", "book", "book-cara"} <= set(models.names())
    assert simcal.load("stock") == StockMarket()
    assert simcal.load("stock-hard") == StockMarket(rule="hard", trend_threshold=0.5)
    assert simcal.load("herding") == HerdingMarket()
    assert simcal.load("rfq") == RfqMarket()


def test_lists_and_an_absent_variance_come_back(tmp_path):
    market = StockMarket(public_weight=[1, 2, 3, 4, 5, 6, 7], variance_start=None)
    models.save(market, tmp_path / "a.toml")
    assert simcal.load(tmp_path / "a.toml") == market


def test_a_dealer_markets_lists_choices_and_absent_weights_come_back(tmp_path):
    for panel_weights in (None, (0.0, 1.0, 2.0)):
        market = RfqMarket(n_dealers=3, quote_mean=[0.1, 0.2, 0.3], mid_law="walk", panel_weights=panel_weights)
        models.save(market, tmp_path / "a.toml")
        assert simcal.load(tmp_path / "a.toml") == market


def test_a_run_folder_is_its_market(tmp_path):
    models.save(StockMarket(impact=0.2), tmp_path / "market.toml")
    assert simcal.load(tmp_path).impact == 0.2


def test_a_folder_that_happens_to_have_the_name_of_a_market_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stock").mkdir()
    assert simcal.load("stock") == StockMarket()


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "stok",
            r"There is no market 'stok'; known are .*stock, stock-hard, stock-sp500, .*; did you mean 'stock'\?",
        ),
        ("zzz", r"There is no market 'zzz'; known are .*; give one of these, a TOML file or a run folder\."),
        ("none.toml", r"There is no market 'none\.toml'"),
    ],
)
def test_what_cannot_be_found_is_one_sentence(source, sentence):
    with pytest.raises(ParameterError, match=rf"^{sentence}[^\n]*$"):
        simcal.load(source)


def test_a_folder_without_a_market_is_not_a_run(tmp_path):
    with pytest.raises(ParameterError, match=r"holds no market\.toml, so it is not that of a finished run"):
        simcal.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind = ", r".*a\.toml is not a TOML file: "),
        (
            "impact = 0.1",
            r"The market's kind is None, but must be one of book, equilibrium-market, herding, rfq, stock\.",
        ),
        (
            "kind = 'rok'",
            r"The market's kind is 'rok', but must be one of book, equilibrium-market, herding, rfq, stock\.",
        ),
        ("kind = ['stock']", r"The market's kind is \['stock'\], but must be one of book, "),
        ("kind = 'stock'\nimpct = 0.1", r"'impct' is not a parameter of the stock market; did you mean 'impact'\?"),
        ("kind = 'stock'\nimpact = 2", r"impact is 2, but must be a number between 0 and 1, the ends excluded\."),
        ("kind = 'rfq'\nclient_man = 1", r"'client_man' is not a parameter of the dealer market; did you mean "),
        ("kind = 'rfq'\nmid_law = 'jump'", r"mid_law is 'jump', but must be 'uniform' or 'walk'\."),
        ("kind = 'stock'\n[impact]\nvalue = 1", r"impact is \{'value': 1\}, but must be "),
    ],
)
def test_a_file_that_describes_no_market_is_one_sentence(tmp_path, text, sentence):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ParameterError, match=rf"^{sentence}[^\n]*$"):
        simcal.load(tmp_path / "a.toml")


def test_a_failed_save_leaves_the_old_market(tmp_path, monkeypatch):
    path = tmp_path / "a.toml"
    models.save(StockMarket(), path)

    def fail(*arguments):
        raise OSError("no room")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(simcal.DataError, match="could not be written"):
        models.save(StockMarket(impact=0.2), path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.toml"]
    assert simcal.load(path) == StockMarket()
