// Lets a reader of /docs send one request. The token stays in this page's memory; without this script the page
// only loses its buttons.
"use strict";
(() => {
  const main = document.querySelector("main");
  const words = main.dataset;
  const documents = {};

  const made = (name, attributes = {}, ...inside) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value);
    }
    element.append(...inside);
    return element;
  };

  const shape = (path) => path.replace(/\{[^}]*\}/g, "{}");

  const openapi = async (service) => {
    const answer = await fetch(`/docs/openapi/${service}.json`);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return answer.json();
  };

  const found = (document, method, path) => {
    const name = Object.keys(document.paths).find((one) => shape(one) === shape(path));
    return { path: name, operation: name && document.paths[name][method.toLowerCase()] };
  };

  // What a body may look like: an example, a default, the first choice, else a value of its kind.
  const example = (document, schema, depth = 0) => {
    if (!schema || depth > 6) return null;
    if (schema.$ref) return example(document, document.components.schemas[schema.$ref.split("/").pop()], depth + 1);
    if (schema.examples?.length) return schema.examples[0];
    if (schema.default !== undefined) return schema.default;
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return schema.enum[0];
    const several = schema.oneOf || schema.anyOf || schema.allOf;
    if (several) return example(document, several[0], depth + 1);
    if (schema.type === "array") return [example(document, schema.items, depth + 1)];
    if (schema.type === "object") {
      const wanted = new Set(schema.required || Object.keys(schema.properties || {}));
      const kept = Object.entries(schema.properties || {}).filter(([key]) => wanted.has(key));
      return Object.fromEntries(kept.map(([key, one]) => [key, example(document, one, depth + 1)]));
    }
    return { integer: 0, number: 0, boolean: false, string: "" }[schema.type] ?? null;
  };

  const field = (label, input) => made("label", {}, made("span", {}, label), input);

  // A parameter of the path that the document does not tell is known from the path.
  const parameters = (path, operation) => {
    const told = operation.parameters || [];
    const names = [...path.matchAll(/\{([^}:]+)/g)].map((match) => match[1]);
    const untold = names.filter((name) => !told.some((one) => one.in === "path" && one.name === name));
    return [...untold.map((name) => ({ name, in: "path", required: true })), ...told];
  };

  const parameterFields = (path, operation) =>
    parameters(path, operation)
      .filter((one) => one.in !== "cookie" && one.name.toLowerCase() !== "authorization")
      .map((one) => {
        const input = made("input", { "data-in": one.in, "data-name": one.name, autocomplete: "off" });
        if (one.required) input.required = true;
        return field(`${one.name}${one.required ? " *" : ""} (${one.in})`, input);
      });

  const request = (form, method, path, operation) => {
    const query = new URLSearchParams();
    const headers = {};
    let address = path;
    for (const input of form.querySelectorAll("input[data-in]")) {
      const { in: place, name } = input.dataset;
      if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(input.value));
      else if (input.value && place === "query") query.append(name, input.value);
      else if (input.value) headers[name] = input.value;
    }
    const token = document.getElementById("token").value.trim();
    if (token) headers.Authorization = `Bearer ${token}`;
    for (const [name, id] of [["X-Purpose", "purpose"], ["X-Case", "case"]]) {
      const said = document.getElementById(id).value.trim();
      if (said) headers[name] = encodeURIComponent(said);
    }
    const body = form.querySelector("textarea");
    if (body) headers["Content-Type"] = Object.keys(operation.requestBody.content)[0];
    return [`${address}${query.size ? `?${query}` : ""}`, { method, headers, body: body ? body.value : undefined }];
  };

  const send = async (form, shown, asked) => {
    const [address, options] = asked;
    shown.textContent = "…";
    try {
      const answer = await fetch(address, options);
      const text = await answer.text();
      let body = text;
      try {
        body = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        // Not JSON: shown as it is.
      }
      const told = ["content-type", "retry-after", "ratelimit", "etag", "x-request-id"];
      const headers = told.filter((name) => answer.headers.has(name)).map((name) => `${name}: ${answer.headers.get(name)}`);
      shown.textContent = [`${options.method} ${address}`, `${answer.status} ${answer.statusText}`, ...headers, "", body].join("\n");
    } catch (error) {
      shown.textContent = String(error);
    }
    shown.focus();
  };

  const opened = async (row) => {
    const { service, method, path } = row.dataset;
    const cell = made("td", { colspan: "4" });
    const shown = made("pre", { tabindex: "0", "aria-live": "polite" });
    try {
      documents[service] ??= await openapi(service);
      const { path: name, operation } = found(documents[service], method, path);
      const form = made("form", { class: "try" }, ...parameterFields(name, operation));
      const content = operation.requestBody?.content;
      if (content) {
        const [[, first]] = Object.entries(content);
        const area = made("textarea", { rows: "8", spellcheck: "false" });
        area.value = JSON.stringify(example(documents[service], first.schema), null, 2);
        form.append(field(Object.keys(content)[0], area));
      }
      form.append(made("button", {}, words.send));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        send(form, shown, request(form, method, `/api/${service}${name}`, operation));
      });
      cell.append(made("p", {}, operation.description || operation.summary || ""), form, shown);
    } catch (error) {
      delete documents[service];
      cell.append(String(error));
    }
    return made("tr", { class: "tried" }, cell);
  };

  for (const row of document.querySelectorAll("tr[data-path]")) {
    const button = made("button", { type: "button", "aria-expanded": "false" }, words.try);
    button.addEventListener("click", async () => {
      const open = row.nextElementSibling?.classList.contains("tried");
      if (open) row.nextElementSibling.remove();
      else row.after(await opened(row));
      button.setAttribute("aria-expanded", String(!open));
    });
    row.cells[0].append(" ", button);
  }
  const who = document.getElementById("who");
  who.addEventListener("submit", (event) => event.preventDefault());
  who.hidden = false;
})();
