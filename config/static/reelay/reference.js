// Shows the OpenAPI document of the API with Swagger UI.
"use strict";

const place = document.getElementById("reference");
SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  validatorUrl: null, // no other site is asked about the document
});
