"""The blog's pages."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, stream_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from .models import Post, User, db

views = Blueprint("blog", __name__)


@views.get("/")
def index() -> ResponseReturnValue:
    return render_template("blog/index.html", posts=_posts())


@views.get("/stream")
def stream() -> ResponseReturnValue:
    return stream_template("blog/index.html", posts=_posts())


@views.get("/posts/<int:post_id>")
def post(post_id: int) -> ResponseReturnValue:
    found = db.get_or_404(Post, post_id)
    if not found.is_open_to(current_user if current_user.is_authenticated else None):
        abort(404)
    return render_template("blog/post.html", post=found)


@views.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    if request.method == "GET":
        return render_template("blog/sign_in.html")
    found = db.first_or_404(db.select(User).filter_by(email=request.form["email"]))
    login_user(found)
    return redirect(url_for("blog.index"), 303)


def _posts() -> list[Post]:
    return list(db.session.scalars(db.select(Post).order_by(Post.id)))
