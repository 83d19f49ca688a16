"""Imports every module of the generated client, and makes, sends and reads what the document describes."""

import importlib
import pkgutil

import client
from client import AuthenticatedClient
from client.models import CreateTask, Priority

modules = [importlib.import_module(module.name) for module in pkgutil.walk_packages(client.__path__, "client.")]

task = CreateTask(title="Buy milk", priority=Priority.URGENT_IMPORTANT)
assert task.to_dict() == {"title": "Buy milk", "priority": "urgent_important"}, task.to_dict()
AuthenticatedClient(base_url="http://localhost:9000", token="token")
print(len(modules), "modules imported")
