// Runs a test with a user in front of the page, in a browser of its own.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newProfile } from "./browser.mjs";
import { User } from "./user.mjs";

/** Runs `drive` with a user in front of the page; afterwards nothing may have gone wrong behind the scenes. */
export function inBrowser(name, drive, { expectedErrors = [], before = async () => {}, ...options } = {}) {
  test(name, async () => {
    const profile = await newProfile();
    try {
      const { context, page, seen } = await profile.open(options);
      const user = new User(page);
      await before({ context, page });
      await user.visit();
      await drive({ user, page, context, profile, seen });
      const unexpected = seen.errors.filter((text) => !expectedErrors.some((expected) => expected.test(text)));
      assert.deepEqual(unexpected, [], "errors in the console");
      assert.deepEqual(seen.foreign, [], "requests to other hosts");
    } finally {
      await profile.remove();
    }
  });
}
