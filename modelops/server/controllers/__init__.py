"""The routes of `/api`, one file per thing they report on."""
