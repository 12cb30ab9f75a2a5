using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Runs a body of your own and stores its result.</summary>
    /// <remarks>
    /// The body runs at least once, and never again once its result is stored. The process may die between the body's effect and the
    /// storing, so make the effect idempotent: <see cref="StepContext.IdempotencyKey"/> is the same on each attempt and after a recovery.
    /// The body has one attempt unless <see cref="RunStep{T}.Retry"/> allows more. A descriptor that is not yielded does nothing.
    /// </remarks>
    /// <param name="name">
    /// The step's name in a history; it need not be unique. Not blank, at most 255 characters, no control characters, not beginning with
    /// <c>DBOS.</c> or <c>Dbos.Fluent.</c>
    /// </param>
    /// <param name="body">The work. Pass its token on: <c>s => Api.CallAsync(s.CancellationToken)</c>.</param>
    /// <typeparam name="T">The result's type; it must be serializable, as it is read back from its stored form.</typeparam>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long, reserved, or holds control characters.</exception>
    public static RunStep<T> Run<T>(string name, Func<StepContext, Task<T>> body) => new(name, body);

    /// <summary>Runs a body of your own that has no result.</summary>
    /// <param name="name">The step's name in a history.</param>
    /// <param name="body">The work.</param>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <remarks>It behaves like <see cref="Run{T}"/>.</remarks>
    /// <exception cref="ArgumentException">The name is blank, too long, reserved, or holds control characters.</exception>
    public static RunStep<Unit> Run(string name, Func<StepContext, Task> body) => new(name, body);

    /// <summary>Waits durably for a duration: the wake-up moment is stored, and survives a restart.</summary>
    /// <remarks>
    /// On a replay the stored moment counts, so a workflow that was down longer than <paramref name="duration"/> continues at once. To
    /// begin a workflow later without starting it now, enqueue it with a delay instead.
    /// </remarks>
    /// <param name="duration">How long, from the moment the step first runs. Zero completes at once.</param>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The duration is negative or infinite.</exception>
    public static Step<Unit> Sleep(TimeSpan duration) => new SleepStep(SleepStep.CheckDuration(duration));

    /// <summary>Waits durably until a moment. A past moment completes at once.</summary>
    /// <param name="instant">The moment, compared with the database's clock.</param>
    /// <returns>The descriptor, to be yielded.</returns>
    public static Step<Unit> SleepUntil(DateTimeOffset instant) => new SleepStep(instant);
}
