// The client: starts `specc lsp`, restarts it when its settings change, and switches degrees on and off.

import { commands, ConfigurationTarget, type ExtensionContext, window, workspace } from 'vscode';
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from 'vscode-languageclient/node';

let client: LanguageClient | undefined;

/** The program and its arguments, as the settings say. */
export function server(settings: { path: string; dataDir: string }): ServerOptions {
  const args = ['lsp'];
  if (settings.dataDir !== '') {
    args.push('--data-dir', settings.dataDir);
  }
  const command = settings.path === '' ? 'specc' : settings.path;
  return { command, args };
}

async function start(): Promise<void> {
  const settings = workspace.getConfiguration('specc');
  const options: LanguageClientOptions = {
    documentSelector: [{ language: 'net' }],
    initializationOptions: { hints: settings.get('hints') },
    synchronize: {
      configurationSection: 'specc',
      fileEvents: workspace.createFileSystemWatcher('**/*.{net,csv,npy}'),
    },
  };
  const program = server({ path: settings.get('path', 'specc'), dataDir: settings.get('dataDir', '') });
  client = new LanguageClient('specc', 'specc', program, options);
  try {
    await client.start();
  } catch (error) {
    void window.showErrorMessage(`specc: the language server does not start: ${String(error)}. Set "specc.path".`);
  }
}

async function restart(): Promise<void> {
  await client?.dispose();
  await start();
}

async function toggleDegrees(): Promise<void> {
  const settings = workspace.getConfiguration('specc');
  await settings.update('hints.degrees', !settings.get('hints.degrees', false), ConfigurationTarget.Global);
}

export async function activate(context: ExtensionContext): Promise<void> {
  context.subscriptions.push(
    commands.registerCommand('specc.restart', restart),
    commands.registerCommand('specc.toggleDegrees', toggleDegrees),
    workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration('specc.path') || change.affectsConfiguration('specc.dataDir')) {
        await restart();
      }
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await client?.dispose();
}
