using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;

namespace Dbos.Fluent.Execution;

/// <summary>Runs the body of one step: attempts, timeouts, waits between attempts. It stores nothing.</summary>
internal sealed class StepRunner(RunScope run, Step step, IRunStep body, int sequence, CancelSignal signal)
{
    private readonly AttemptFailures failures = new();
    private readonly RunStepOptions options = body.Options;
    private readonly TimeProvider time = run.Environment.Clock.Time;

    public async ValueTask<StepBodyOutcome> RunAsync()
    {
        for (var number = 1; ; number++)
        {
            if (!await HoldsLeaseAsync().ConfigureAwait(false))
            {
                return StepBodyOutcome.Stopped;
            }

            Exception exception;
            try
            {
                return StepBodyOutcome.Succeeded(await AttemptAsync(number).ConfigureAwait(false));
            }
            catch (Exception thrown)
            {
                // Whatever the user's body throws is an outcome of the step and is stored.
                exception = thrown;
            }

            if (run.Broken is not null)
            {
                // The body may have read what cannot be decoded. That is no outcome: the step runs again once it can be decoded.
                return StepBodyOutcome.Stopped;
            }

            if (signal.Reason != CancellationReason.None)
            {
                // A body that fails after it was told to stop says nothing about the step: it runs again elsewhere, or not at all. The
                // reason is set before the token fires; a parent's firing reaches the token a moment later.
                return StepBodyOutcome.Stopped;
            }

            if (await AfterFailureAsync(number, exception).ConfigureAwait(false) is { } end)
            {
                return end;
            }
        }
    }

    /// <summary>Renews the lease before a body starts, if the process was paused past it; the workflow may be lost meanwhile.</summary>
    private async ValueTask<bool> HoldsLeaseAsync()
    {
        try
        {
            await run.Environment.Lease.EnsureAsync(run.Stop.Token).ConfigureAwait(false);
            return !run.Stop.IsFired;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<object?> AttemptAsync(int number)
    {
        var services = new StepServices(run.Environment.Services, run.Environment.Scopes);
        if (options.Timeout is { } timeout)
        {
            return await AttemptInTimeAsync(number, timeout, services).ConfigureAwait(false);
        }

        try
        {
            return await body.InvokeAsync(Context(number, signal, services)).ConfigureAwait(false);
        }
        finally
        {
            await EndAsync(services).ConfigureAwait(false);
        }
    }

    private async Task<object?> AttemptInTimeAsync(int number, TimeSpan timeout, StepServices services)
    {
        // Disposed once its body has ended: until then, the body may look at its token.
        var attempt = new CancelSignal(signal);
        var work = InvokeAsync(number, attempt, services);
        try
        {
            return await work.WaitAsync(timeout, time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The body threw it itself, or ended at the very moment at which the time was over.
            if (work.IsCompleted)
            {
                return await work.ConfigureAwait(false);
            }

            attempt.Fire(CancellationReason.StepTimeout);
            Abandon(work, attempt, services);
            throw new StepTimeoutException(run.Work.Id, sequence, step.Name, timeout);
        }
        finally
        {
            if (work.IsCompleted)
            {
                attempt.Dispose();
                await EndAsync(services).ConfigureAwait(false);
            }
        }
    }

    // A body may block or throw before its first await, and the timeout must hold for that part too. If a busy process has not started the
    // body in time, it must not begin beside the next attempt.
    private async Task<object?> InvokeAsync(int number, CancelSignal attempt, StepServices services)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        attempt.Token.ThrowIfCancellationRequested();
        return await body.InvokeAsync(Context(number, attempt, services)).ConfigureAwait(false);
    }

    private StepContext Context(int number, CancelSignal attempt, StepServices services) => new(
        new StepAttempt(run.Work.Id, sequence, run.IdempotencyKey(sequence), number, options.Retry?.Attempts ?? 1)
        {
            CancellationToken = attempt.Token,
            Reason = () => attempt.Reason,
            Services = services,
            Outlet = run.Outlet,
            Workflows = run.Environment.Client(),
        });

    // Disposal is not part of the body, whose outcome is known. It takes none of the body's time, and its exceptions do not fail the step.
    private async ValueTask EndAsync(StepServices services)
    {
        try
        {
            await services.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            run.Environment.Logger.ServicesNotDisposed(step.Name, sequence, run.Work.Id, exception);
        }
    }

    /// <summary>Decides whether a failed attempt was the last one; null to try again.</summary>
    private async ValueTask<StepBodyOutcome?> AfterFailureAsync(int number, Exception exception)
    {
        if (options.Retry is not { } retry)
        {
            return StepBodyOutcome.FailedBy(Failures.Record(exception), exception);
        }

        try
        {
            if (retry.RetryIf?.Invoke(exception) == false)
            {
                return StepBodyOutcome.FailedBy(Failures.Record(exception), exception);
            }
        }
        catch (Exception predicateFailure)
        {
            // The predicate is the user's code too. Its failure is the step's, and there is no further attempt.
            return StepBodyOutcome.FailedBy(Failures.Record(predicateFailure), predicateFailure);
        }

        failures.Add(Failures.Record(exception));
        if (number >= retry.Attempts)
        {
            var exhausted = new MaxStepRetriesExceededException(run.Work.Id, sequence, step.Name, failures.InOrder(), number);
            return StepBodyOutcome.FailedBy(exhausted.Failure, exception);
        }

        run.Environment.Logger.StepRetried(step.Name, sequence, run.Work.Id, number, retry.Attempts, exception);
        return await WaitAsync(retry, number).ConfigureAwait(false) ? null : StepBodyOutcome.Stopped;
    }

    private async ValueTask<bool> WaitAsync(RetryOptions retry, int number)
    {
        var delay = retry.DelayAfter(number);
        delay += delay * (retry.Jitter * Random.Shared.NextDouble());
        run.BodyEnded();
        try
        {
            // The run counts as waiting, which needs no capacity. It stays in memory, as its attempts are counted nowhere else.
            return await run.WaitAsync(wait: null, async () =>
            {
                await Task.Delay(delay, time, signal.Token).ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            run.BodyBegins();
        }
    }

    // What an abandoned body returns or throws is ignored. Reading the exception keeps it from being reported as unobserved. The body keeps
    // its token and its services until it ends.
    private void Abandon(Task work, CancelSignal attempt, StepServices services) => _ = work.ContinueWith(
        late =>
        {
            _ = late.Exception;
            attempt.Dispose();
            return EndAsync(services).AsTask();
        },
        CancellationToken.None,
        TaskContinuationOptions.None,
        TaskScheduler.Default);
}

/// <summary>The outcome of a step's body after its last attempt.</summary>
internal sealed record StepBodyOutcome(bool IsStopped, object? Result, RecordedFailure? Failure, Exception? Exception)
{
    public static StepBodyOutcome Stopped { get; } = new(true, null, null, null);

    public static StepBodyOutcome Succeeded(object? result) => new(false, result, null, null);

    public static StepBodyOutcome FailedBy(RecordedFailure failure, Exception exception) => new(false, null, failure, exception);
}
