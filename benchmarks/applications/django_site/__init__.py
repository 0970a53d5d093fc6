"""A site of ours around django-helpdesk: settings, addresses, first rows, faults. For the application's own venv."""
