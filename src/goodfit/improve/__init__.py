"""Above the path: what is done with several runs. Pure functions over run folders; nothing here changes a run."""
