/** One thing an installation reports while it runs. */
export type InstallProgress =
  | { readonly kind: 'step'; readonly text: string }
  | {
      readonly kind: 'bytes';
      readonly text: string;
      readonly done: number;
      /** Unknown where the source does not say. */
      readonly total: number | undefined;
    }
  | { readonly kind: 'warning'; readonly text: string };

export type ReportProgress = (progress: InstallProgress) => void;
