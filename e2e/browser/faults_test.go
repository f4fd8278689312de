package browser_test

// faults is a script that lists what is wrong with how a page looks on a screen
// of a width: what reaches beyond it, text of too little contrast with what is
// behind it, and what a finger would miss.
const faults = `(width) => {
	const found = [];
	const name = (e) => e.tagName.toLowerCase() + "." + e.className + " " + JSON.stringify(e.innerText?.slice(0, 30));
	const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".visually-hidden");

	// One thing that is too wide, and a phone scrolls sideways, or makes all of the
	// page smaller, which is why it is not asked for its width.
	for (const e of document.querySelectorAll("body *")) {
		const box = e.getBoundingClientRect();
		if (shown(e) && box.width > 0 && (box.left < -0.5 || box.right > width + 0.5)) {
			found.push(name(e) + " reaches from " + box.left + " to " + box.right);
		}
	}

	// WCAG 2.2, 1.4.3: a contrast of 4.5, or 3 for large text.
	const colour = (text) => text.match(/[\d.]+/g).map(Number);
	const light = (c) => {
		const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = colour(getComputedStyle(e).backgroundColor);
			if (c.length === 3 || c[3] === 1) {
				return c.slice(0, 3);
			}
		}
		return [255, 255, 255];
	};
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let text; (text = texts.nextNode());) {
		const e = text.parentElement;
		if (text.data.trim() === "" || !shown(e) || e.closest("script, noscript, textarea")) {
			continue;
		}
		const style = getComputedStyle(e), size = parseFloat(style.fontSize);
		const [dark, bright] = [light(colour(style.color).slice(0, 3)), light(behind(e))].sort((x, y) => x - y);
		const contrast = (bright + 0.05) / (dark + 0.05);
		if (contrast < (size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5)) {
			found.push(name(e) + " has a contrast of " + contrast.toFixed(2));
		}
	}

	// WCAG 2.2, 2.5.8: targets of 24 px. Links within a text are exempt.
	for (const e of document.querySelectorAll("nav a, button, .button, textarea, input:not([type=checkbox])")) {
		const height = e.getBoundingClientRect().height;
		if (shown(e) && height < 24) {
			found.push(name(e) + " is only " + height + " px high");
		}
	}
	return found;
}`
