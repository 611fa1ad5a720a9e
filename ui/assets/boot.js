// Loads the program and starts it. A failure is told where the page would have been.
import init, { mount } from "{{asset:ui.js}}";

try {
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
