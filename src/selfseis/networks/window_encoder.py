"""The network that embeds windows: a small perceptron from band powers to a few coordinates."""

from __future__ import annotations

from torch import Tensor, nn


class WindowNet(nn.Module):
    """Coordinates of windows.

    Parameters
    ----------
    n_features : int
        Features of a window.
    n_axes : int
        Coordinates.
    width : int
        Hidden units of each of the two layers.
    """

    def __init__(self, n_features: int, n_axes: int, width: int = 128) -> None:
        super().__init__()
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
