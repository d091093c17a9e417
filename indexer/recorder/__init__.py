"""The recorder: live streams become closed files of about ten seconds, and gaps with a reason."""
