namespace Dbos.Fluent.Samples;

/// <summary>A payment that somebody must approve.</summary>
public sealed record Payment(string Id, string Payee, decimal Amount);

/// <summary>The decision about a payment, and who made it.</summary>
public sealed record Decision(bool Approved, string By);

/// <summary>A payment that waits up to two days for an approval, in both forms. While it waits it is only a row in the database.</summary>
internal static class Approval
{
    private static readonly WorkflowDefinition<Payment, string> Pay = Workflow.Define<Payment, string>("pay", PayAsync);

    private static readonly WorkflowDefinition<Payment, string> FluentPay =
        Workflow.Define<Payment, string>("fluent pay")
            .SetEvent("state", x => "waits for an approval")
            .Receive<Decision>("decision", TimeSpan.FromDays(2)).As(out var decision)
            .If(x => x.Get(decision) is not { HasValue: true, Value.Approved: true }, no => no.ReturnEarly(x => "not paid"))
            .Step("transfer", x => Bank.TransferAsync(x.Input, x.IdempotencyKey, x.CancellationToken)).As(out var transfer)
            .Return(x => x.Get(transfer));

    public static async Task<int> RunAsync(SampleSettings settings)
    {
        using var database = new SampleDatabase(settings);
        await using (var first = await LaunchAsync(database))
        {
            await first.StartAsync(Pay, new Payment("1", "Ada", 1200m), new() { Id = "payment-1" });
            await first.StartAsync(FluentPay, new Payment("2", "Bob", 80m), new() { Id = "payment-2" });
            foreach (var id in (string[])["payment-1", "payment-2"])
            {
                var state = await first.GetEventAsync<string>(id, "state", TimeSpan.FromSeconds(10));
                Console.WriteLine($"{id} {state.ValueOr("says nothing")}; {await WhereAsync(first, id)}");
            }
        }

        Console.WriteLine("The first engine is gone. Another one is launched, and two decisions are sent.");
        await using var engine = await LaunchAsync(database);

        // The key makes a decision that is sent twice arrive once.
        await engine.SendAsync("payment-1", new Decision(true, "Grace"), "decision", idempotencyKey: "decision-1");
        await engine.SendAsync("payment-2", new Decision(false, "Grace"), "decision", idempotencyKey: "decision-2");
        Console.WriteLine($"payment-1: {await engine.Retrieve<string>("payment-1")}");
        Console.WriteLine($"payment-2: {await engine.Retrieve<string>("payment-2")}");
        Console.WriteLine();
        Console.Write(await engine.GetHistoryAsync("payment-1"));
        return 0;
    }

    private static async IAsyncEnumerable<StepOr<string>> PayAsync(Payment payment, WorkflowContext workflow)
    {
        yield return Step.SetEvent("state", "waits for an approval");
        yield return Step.Receive<Decision>("decision", TimeSpan.FromDays(2)).As(out var decision);
        if (decision.Result is not { HasValue: true, Value.Approved: true })
        {
            yield return decision.Result.HasValue ? "rejected" : "nobody decided in two days";
            yield break;
        }

        yield return Step.Run("transfer", s => Bank.TransferAsync(payment, s.IdempotencyKey, s.CancellationToken)).As(out var transfer);
        yield return transfer.Result;
    }

    // By default a wait stays in memory for ten seconds; the sample unloads it at once, so that this is visible.
    private static Task<WorkflowEngine> LaunchAsync(SampleDatabase database) => database.LaunchAsync(options =>
    {
        options.UnloadAfter = TimeSpan.Zero;
        options.Add(Pay, FluentPay);
    });

    private static async Task<string> WhereAsync(WorkflowEngine engine, string id)
    {
        for (var look = 0; look < 100 && await engine.GetStatusAsync(id) is { CompletedAt: null } status; look++)
        {
            if (status.Parked)
            {
                return "it has left memory";
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        return "it has ended already";
    }

    private static class Bank
    {
        // With the key, the bank transfers once, even if the step has to run twice.
        public static Task<string> TransferAsync(Payment payment, string idempotencyKey, CancellationToken cancellationToken) =>
            Task.FromResult($"transferred {payment.Amount} to {payment.Payee} under key {idempotencyKey}");
    }
}
