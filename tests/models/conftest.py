import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Small operations wait for each other when the cores are busy elsewhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
