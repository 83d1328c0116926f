"""The service that a team would write in a day, as the frameworks' own guides show it."""
