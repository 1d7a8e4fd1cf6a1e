"""Watching a training: the events on disk, the lines on the screen. Takes dicts of goodfit/event/1; knows no engine."""
