"""From a recording too large to replay whole, the exchanges that matter, each with what it depends on."""
