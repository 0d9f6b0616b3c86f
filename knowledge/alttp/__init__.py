"""A Link to the Past: fact tables and the lookup over them."""
