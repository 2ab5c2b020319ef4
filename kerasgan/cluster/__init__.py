"""Work that several machines share, on Ray: the extra `[ray]`.

Ray starts the processes, places them and notices when one is gone; what they do is what one machine does. `connecting`
finds a cluster, `training` has the workers of a training play one game, `storage` keeps a run in an object store,
`spreading` cuts many seeds into shards, which `drawing` makes files of and `scoring` numbers.
"""

from kerasgan.cluster.drawing import FORMATS, draw
from kerasgan.cluster.scoring import score
from kerasgan.cluster.storage import Place, is_remote
from kerasgan.cluster.training import parse_workers, train

__all__ = ["FORMATS", "Place", "draw", "is_remote", "parse_workers", "score", "train"]
