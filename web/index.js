// The start page of a laptop. An inbox looks for new feedback when it gets the focus: this one, as soon as there is some.

addEventListener("feedback-submitted", () => {
  document.querySelector("iframe").contentWindow.dispatchEvent(new Event("focus"));
});
