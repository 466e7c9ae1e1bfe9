import { registerHooks } from 'node:module';

// Lets Node run our sources as they are: they name each other as they are named once built.
registerHooks({
  resolve: (specifier, { parentURL, ...context }, next) => {
    const isOurs = specifier.startsWith('.') && parentURL?.endsWith('.ts');
    return next(isOurs ? specifier.replace(/\.js$/, '.ts') : specifier, { parentURL, ...context });
  },
});
