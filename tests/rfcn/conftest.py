"""Settings that the tests with torch share."""

import torch

# Tests run side by side; threads that wait for each other take ten times as long.
torch.set_num_threads(1)
