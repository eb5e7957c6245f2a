"""Small perceptron that maps band powers of windows to a few coordinates."""

from __future__ import annotations

from torch import Tensor, nn

from selfseis.networks.options import WindowNetOptions


class WindowNet(nn.Module):
    """Perceptron with two hidden layers that embeds windows.

    Parameters
    ----------
    n_features : int
        Number of features of a window.
    n_axes : int
        Number of coordinates.
    options : WindowNetOptions
        Settings.

    Examples
    --------
    >>> import torch
    >>> from selfseis.networks.window_encoder import WindowNet
    >>> WindowNet(n_features=40, n_axes=8)(torch.zeros(3, 40)).shape
    torch.Size([3, 8])
    """

    def __init__(self, n_features: int, n_axes: int, options: WindowNetOptions = WindowNetOptions()) -> None:
        super().__init__()
        width = options.n_hidden
        self.layers = nn.Sequential(
            nn.Linear(n_features, width),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Linear(width, n_axes),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return coordinates, shape (n, n_axes), of features, shape (n, n_features)."""
        return self.layers(features)
