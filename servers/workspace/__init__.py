"""The workspace server: the files of a project, search in them, and a shell that cannot leave them."""
