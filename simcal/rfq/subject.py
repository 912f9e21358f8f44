"""Requests for quotes as a subject of markets: what the verbs ask of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simcal import rfq
from simcal.errors import DataError
from simcal.subjects import Shown, Subject


class RequestsSubject(Subject):
    """Requests for quotes."""

    word = "a request table"
    wanted = "requests to judge it by, such as rfq-example"
    recipe = "rfq"

    def claims(self, source: str, maps: Sequence[str]) -> bool:
        """By name, by a map that is given, or by the names of its columns."""
        from simcal.data import is_table_file, read_table, request_catalogue

        if maps or source in request_catalogue():
            return True
        if not is_table_file(source):
            return False
        try:
            return rfq.looks_like_requests(read_table(Path(source)))
        except DataError:
            return False  # what cannot be read is refused where it is loaded

    def mapping(self, maps: Sequence[str]) -> Mapping[str, str]:
        """As `parse_map`."""
        return rfq.parse_map(list(maps))

    def facts(
        self, source: str, maps: Sequence[str], level: float, report: Path | None
    ) -> tuple[dict[str, Any], Shown]:
        """What a dealer measures."""
        requests = rfq.load_requests(source, self.mapping(maps))
        facts = rfq.measure(requests, level)
        written = None if report is None else rfq.write_facts_report(report, requests, facts)
        found = facts.to_dict()
        table = found.pop("quantities")
        plain = {**requests.summary(), **found, "facts": table, "report": None if written is None else str(written)}
        groups = facts.groups.assign(group=facts.groups["by"] + ": " + facts.groups["group"])
        tables = {
            f"What a dealer measures from {requests.name}, {requests.n} requests": facts.table().drop(
                columns="meaning"
            ),
            "Hit ratio by group": groups.loc[:, ["group", "n", "hit_ratio", "low", "high", "expected"]],
        }
        said = [
            "Hit ratio: done / quoted requests (neither passed nor expired). Expected: mean of 1 / n_dealers. What "
            "every row means stands in the column 'meaning' of --json and --report."
        ]
        return plain, Shown(tables, said + ([] if written is None else [f"The report is {written}."]))

    def judge(self, market: Any, data: Any, *, mapping: Mapping[str, str] | None, train_share: float | None,
              n_samples: int, seed: int) -> Any:  # fmt: skip
        """The same requests with rivals and clients from the market."""
        requests = rfq.load_requests(data, mapping)
        share = 1.0 if train_share is None else train_share
        return rfq.validate_requests(market, requests, train_share=share, n_samples=n_samples, seed=seed)

    def show(self, certificate: Any, market: str) -> Shown:
        """The facts of each part, and the verdict."""
        name = certificate.data["name"]
        tables = {f"Facts of {name} beside {market}, {part}": f.reset_index() for part, f in certificate.parts.items()}
        return Shown(tables, certificate.verdict)

    def summary(self, market: Any, n_paths: int, n_steps: int, **options: Any) -> Any:
        """As `request_summary`."""
        return rfq.request_summary(market, n_paths, n_steps, **options)

    def write_table(self, market: Any, n: int, seed: int, out: Path) -> dict[str, Any]:
        """Dealer 0's table of one path."""
        table = rfq.request_table(market, n, seed=seed, name=out.stem)
        table.save(out)
        return table.summary()


SUBJECT = RequestsSubject()
