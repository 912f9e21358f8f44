"""`simcal solve --against cost`."""

import json


def test_the_predictions_are_shown_and_written(command, tmp_path):
    done = command("solve", "lq-5", "--against", "cost", "--costs", "0.01,0.1", "--paths", "20", "--out", tmp_path)
    assert done.code == 0
    for text in ("excess volatility", "liquidity discount", "volume", "smallest costs"):
        assert text in " ".join(done.out.split())
    assert (tmp_path / "predictions.html").is_file()


def test_json_holds_rows_and_exponents(command):
    done = command("solve", "lq-5", "--against", "cost", "--costs", "0.01,0.1", "--paths", "20", "--json")
    told = json.loads(done.out)
    assert [row["cost"] for row in told["rows"]] == [0.01, 0.1]
    assert len(told["exponents"]) == 4


def test_what_cannot_be_is_refused_in_a_sentence(command):
    for options, sentence in (
        (("--against", "power"), "only --against cost"),
        (("--costs", "1,2"), "belongs to --against cost"),
        (("--against", "cost", "--costs", "1,x"), "numbers with commas"),
        (("--against", "cost", "--costs", "2,1"), "increase"),
        (("--against", "cost", "--all"), "leave --all"),
    ):
        done = command("solve", "lq-5", *options)
        assert done.code != 0
        assert sentence in " ".join(done.err.split())
        assert "Traceback" not in done.err
