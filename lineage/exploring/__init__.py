"""The lineage explorer: what a picture shows for its address, its columns and its connections, as far as a reader may see."""

from lineage.exploring.asked import WAYS, Asked, ColumnAsked, asked_of
from lineage.exploring.neighbourhood import MAX_SHOWN, PAGE
from lineage.exploring.picture import Picture, PictureEdge, PictureNode, explore

__all__ = [
    "MAX_SHOWN",
    "PAGE",
    "WAYS",
    "Asked",
    "ColumnAsked",
    "Picture",
    "PictureEdge",
    "PictureNode",
    "asked_of",
    "explore",
]
