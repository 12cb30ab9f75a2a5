using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>The services of a step: each attempt has a scope of its own, for as long as its body runs.</summary>
public abstract class StepServicesSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int NotDisposed = 1108;

    private readonly ScopedServices services = new();

    [Fact]
    public async Task Steps_that_run_at_once_share_no_scoped_service_and_one_step_has_one()
    {
        var both = new Meeting(2);
        var workflow = Workflow.Define<Unit>("at once", Body);
        var engine = await LaunchAsync(options => options.Services = services, workflow);

        await engine.RunAsync(workflow, default, "A");

        Assert.Equal((2, 2), (services.Made.Count, services.Disposed.Count));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All([Step.Run("a", UseAsync), Step.Run("b", UseAsync)]);
        }

        async Task UseAsync(StepContext step)
        {
            var mine = Scoped(step);
            both.Arrive();
            await both.AllAreHere.WaitAsync(step);
            Assert.Same(mine, Scoped(step));
            Assert.DoesNotContain(mine, services.Disposed);
        }
    }

    [Fact]
    public async Task Each_attempt_has_a_scope_that_ends_with_it_and_an_undo_too()
    {
        var workflow = Workflow.Define<Unit>("attempts", Body);
        var engine = await LaunchAsync(options => options.Services = services, workflow);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal(["1 after 0", "2 after 1", "3 after 2", "undo after 3"], services.Notes);
        Assert.Equal(services.Made, services.Disposed);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("tried", async s =>
                {
                    Note(s, $"{s.Attempt}");
                    return s.Attempt == 3 ? 0 : throw new InvalidOperationException("again");
                })
                .Retry(delay: TimeSpan.Zero)
                .CompensateWith(async s => Note(s, "undo"));
            yield return Step.Run("fails", async _ => throw new InvalidOperationException("to be undone"));
        }
    }

    [Fact]
    public async Task A_step_that_asks_for_none_makes_no_scope()
    {
        var workflow = Workflow.Define<Unit>("none", Body);
        var engine = await LaunchAsync(options => options.Services = services, workflow);

        await engine.RunAsync(workflow, default, "A");

        Assert.Empty(services.Made);

        static async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", async _ => { });
        }
    }

    [Fact]
    public async Task A_body_that_its_timeout_has_left_behind_keeps_its_scope_until_it_ends()
    {
        var gate = new Probe();
        var time = new ManualTimeProvider();
        var kept = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var workflow = Workflow.Define<Unit>("late", Body);
        var engine = await LaunchAsync(options => (options.Services, options.TimeProvider) = (services, time), workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "the step's limit runs");

        time.Advance(TimeSpan.FromSeconds(1));
        await handle.ResultAsync();
        Assert.Equal((1, 0), (services.Made.Count, services.Disposed.Count));
        gate.Open();

        Assert.True(await kept.Task.Within(Bounded.Limit));
        await Eventually.TrueAsync(() => services.Disposed.Count == 1, Bounded.Limit, "the scope ends with the body");

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("deaf", async s =>
            {
                var mine = Scoped(s);
                await gate.PassAsync();
                kept.TrySetResult(!services.Disposed.Contains(mine) && Scoped(s) == mine);
            }).Timeout(TimeSpan.FromSeconds(1)).Try(out _);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_disposing_throws_is_logged_and_is_no_failure_of_the_step(bool inTime)
    {
        services.DisposeFails = true;
        var workflow = Workflow.Define<Unit, int>("clumsy", Body);
        var engine = await LaunchAsync(options => options.Services = services, workflow);

        Assert.Equal(7, await engine.RunAsync(workflow, default, "A"));

        Assert.True(Log.Has(NotDisposed));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            var step = Step.Run("step", async s => Scoped(s) is null ? 0 : 7);
            yield return (inTime ? step.Timeout(TimeSpan.FromMinutes(1)) : step).As(out var seven);
            yield return seven.Result;
        }
    }

    [Fact]
    public async Task A_context_that_was_kept_beyond_its_body_gives_no_services()
    {
        StepContext? kept = null;
        var workflow = Workflow.Define<Unit>("kept", Body);
        var engine = await LaunchAsync(options => options.Services = services, workflow);

        await engine.RunAsync(workflow, default, "A");

        Assert.Throws<ObjectDisposedException>(() => kept!.Services);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", async s => { kept = s; });
        }
    }

    private static object? Scoped(StepContext step) => step.Services.GetService(typeof(object));

    private void Note(StepContext step, string what)
    {
        _ = Scoped(step);
        services.Notes.Enqueue($"{what} after {services.Disposed.Count}");
    }

    /// <summary>Services as a container gives them: a root that makes scopes, and one object in each.</summary>
    private sealed class ScopedServices : IServiceProvider, IServiceScopeFactory
    {
        public ConcurrentQueue<object> Made { get; } = new();

        public ConcurrentQueue<object> Disposed { get; } = new();

        public ConcurrentQueue<string> Notes { get; } = new();

        public bool DisposeFails { get; set; }

        public object? GetService(Type serviceType) => serviceType == typeof(IServiceScopeFactory) ? this : null;

        public IServiceScope CreateScope() => new Scope(this);

        private sealed class Scope : IServiceScope, IServiceProvider, IAsyncDisposable
        {
            private readonly ScopedServices root;
            private readonly object mine = new();

            public Scope(ScopedServices root)
            {
                this.root = root;
                root.Made.Enqueue(mine);
            }

            public IServiceProvider ServiceProvider => this;

            public object? GetService(Type serviceType) => serviceType == typeof(object) ? mine : null;

            public void Dispose() => Assert.Fail("A scope that can be is disposed without blocking.");

            public ValueTask DisposeAsync()
            {
                root.Disposed.Enqueue(mine);
                return root.DisposeFails ? throw new InvalidOperationException("clumsy") : default;
            }
        }
    }
}
