"""The dialect of products, which `app` mounts. Other dialects list and delete products."""

from image_service.own import problems
from image_service.own.products import routes
from image_service.web.dialect import Dialect

DIALECT = Dialect(
    name="products",
    prefixes=(),
    operations=frozenset({("POST", "/products"), ("PUT", "/products/{product_id}")}),
    router=routes.router,
    render=problems.render,
    attachment=None,  # no route here accepts a picture
    tags=({"name": "Products", "description": "Your own keys and names of products."},),
)
