"""The reference site as the soak runs it: what it keeps in files lies in the folder SOAK_FOLDER names."""

from __future__ import annotations

import os

from forum import create_app

from .processes import ROOT

app = create_app(ROOT)
app.instance_path = os.environ["SOAK_FOLDER"]
