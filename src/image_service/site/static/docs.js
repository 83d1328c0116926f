// Starts Swagger UI on the page at /docs. A file of its own, so that the page needs no inline script.
"use strict";

window.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("swagger-ui");
  SwaggerUIBundle({
    domNode: place,
    url: place.dataset.openapi,
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: false, // a merchant's token does not stay in the browser
    queryConfigEnabled: false, // nobody can make the page show another document by a link
    validatorUrl: null, // else the document's address is sent to a service on the Internet
  });
});
