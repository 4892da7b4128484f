// How the page is bundled: plain files under dist/, names with hashes under assets/, nothing inline
// (the page's content security policy allows no inline script or style).

import { defineConfig, type UserConfig } from "vite";

const config: UserConfig = defineConfig({
  root: import.meta.dirname,
  base: "./",
  logLevel: "warn",
  // `npx vite` with a server beside it: npm run loci serve.
  server: { proxy: { "/v1": "http://127.0.0.1:9931", "/loci": "http://127.0.0.1:9931" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    cssCodeSplit: true,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});

export default config;
