"""What the service's own API has of products, as `app` mounts it. Lists and deletion are a dialect's."""

from image_service.own import problems
from image_service.own.products import routes
from image_service.web.dialect import Dialect

DIALECT = Dialect(
    name="products",
    prefixes=(),
    operations=frozenset({("POST", "/products"), ("PUT", "/products/{product_id}")}),
    router=routes.router,
    render=problems.render,
    attachment=None,  # nothing here takes a picture
    tags=({"name": "Products", "description": "Your own keys and names of products."},),
)
