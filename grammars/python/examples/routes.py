from fastapi import APIRouter, FastAPI
from flask import Blueprint, Flask

app = Flask(__name__)
users = Blueprint("users", __name__, url_prefix="/never")
api = FastAPI()
orders = APIRouter(prefix="/orders")
lost = APIRouter(prefix="/lost")
app.register_blueprint(users, url_prefix="/users")  # Flask: instead of the blueprint's own
api.include_router(orders, prefix="/v1")  # FastAPI: before the router's own


@app.route("/")  # expect: serves endpoint:GET /
def index():
    return ""


@users.route("/<int:user_id>", methods=["GET", "POST"])  # expect: serves endpoint:GET /users/{user_id}  # expect: serves endpoint:POST /users/{user_id}
def user(user_id):
    return ""


METHODS = ["POST", "PUT"]


@app.route("/listed", methods=METHODS)  # expect: serves endpoint:POST /listed  # expect: serves endpoint:PUT /listed
def listed():
    return ""


@orders.put("/{order_id}")  # expect: serves endpoint:PUT /v1/orders/{order_id}
def change(order_id: int):
    return {}


@api.get("/files/{path:path}")  # expect: serves endpoint:GET /files/{}
def files(path: str):
    return path


# Nobody mounts this one: where it is served cannot be told.
@lost.get("/x")
def nowhere():
    return {}


# No route, though it is called like one.
@mock.patch("/x")
def test(patched):
    cache.get("/x")


def several(given):
    @app.route("/never", methods=given)
    def never():
        return ""
