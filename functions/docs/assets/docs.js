// Renders the OpenAPI document and signs in, so that calls can be tried as a user.
"use strict";

const ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});

const form = document.getElementById("sign-in");
const status = document.getElementById("signed-in");

function show(text, state) {
  status.textContent = text;
  status.dataset.state = state;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const action = event.submitter?.value ?? "signin";
  const { email, password } = Object.fromEntries(new FormData(form));
  show("One moment…", "busy");
  try {
    const answer = await fetch(`/api/v1/auth/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email, password }),
    });
    const body = await answer.json();
    if (!answer.ok) {
      show(body.detail, "error");
      return;
    }
    ui.preauthorizeApiKey("bearer", body.data.token);
    document.getElementById("password").value = "";
    show(`Signed in as ${body.data.email}.`, "done");
  } catch (error) {
    show(`No answer: ${error.message}`, "error");
  }
});
