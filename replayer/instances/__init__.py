"""What runs beside us while a target is being replayed at.

`guard`, `wsgi_child` and `mint_child` are scripts: they are run by path, the last two by the target's interpreter,
which may have nothing but its standard library. They import nothing of ours.
"""
