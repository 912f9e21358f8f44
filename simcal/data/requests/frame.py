"""A request table as a pandas frame, and the hash of one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simcal.data.requests.columns import group_column
from simcal.data.requests.status import Status

if TYPE_CHECKING:
    from simcal.data.requests.table import Requests


def requests_to_frame(requests: Requests) -> pd.DataFrame:
    """One row per request in the columns of a request file; what the table lacks is left out."""
    columns: dict[str, object] = {"rfq_id": requests.rfq_id, "timestamp": requests.timestamp}
    columns |= {group_column(name): labels for name, labels in requests.groups.items()}
    columns |= {"side": np.where(requests.side > 0, "B", "S"), "notional": requests.size}
    columns |= {name: getattr(requests, name) for name in ("n_dealers", "bid", "ask", "quote")}
    columns["status"] = [Status(code).name for code in requests.status]
    columns |= {name: getattr(requests, name) for name in ("cover_price", "traded_price", "inventory_before")}
    columns |= {f"mid_{horizon}": mid for horizon, mid in requests.mids.items()}
    if requests.quotes is not None:
        columns |= {f"quote_{k}": requests.quotes[:, k] for k in range(1, requests.quotes.shape[1])}
    return pd.DataFrame({name: column for name, column in columns.items() if column is not None})


def frame_sha256(frame: pd.DataFrame) -> str:
    """Hash of the columns' names and values, the same on every platform; times and numbers as little-endian bytes."""
    digest = hashlib.sha256()
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            values = column.to_numpy(dtype="datetime64[us]").astype("<i8").tobytes()
        elif pd.api.types.is_numeric_dtype(column.dtype):
            numbers = column.to_numpy(dtype="<f8") + 0.0  # no negative zeros
            numbers[np.isnan(numbers)] = np.nan
            values = numbers.tobytes()
        else:
            values = "\0".join(column).encode()
        digest.update(f"{name}\0{len(values)}\0".encode() + values)
    return digest.hexdigest()
