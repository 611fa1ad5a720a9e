// Loads the program and starts it. A failure, of loading it too, is told where the page would have
// been.
try {
  const { default: init, mount } = await import("{{asset:ui.js}}");
  await init({ module_or_path: fetch("{{asset:ui.wasm}}") });
  mount();
} catch (error) {
  const place = document.getElementById("boot");
  if (place) {
    place.setAttribute("role", "alert");
    place.textContent =
      "Almanac could not start in this browser. Reload the page; if that does not help, " +
      "use a current browser with WebAssembly switched on.";
  }
  throw error;
}
