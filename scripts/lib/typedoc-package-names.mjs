import { Converter } from 'typedoc';

/**
 * A typedoc plugin that calls an entry by what is imported, `@minigpt/data/node`, and not by its file, `data/src/node`.
 *
 * @param {import('typedoc').Application} app
 */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const entry of project.children ?? []) {
      entry.name = entry.name.replace(/^([^/]+)\/src(?:\/index)?/, '@minigpt/$1');
    }
  });
}
