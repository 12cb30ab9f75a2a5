using System.Linq.Expressions;
using System.Reflection.Emit;
using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions.Fingerprints;

public sealed class FingerprintTests
{
    [Fact]
    public void A_fingerprint_is_32_hexadecimal_characters_and_stays_the_same()
    {
        var definition = Workflow.Define<Order, int>("w", new FirstTwin().Run);

        Assert.Matches("^[0-9a-f]{32}$", definition.Fingerprint);
        Assert.Equal(definition.Fingerprint, Workflow.Define<Order, int>("w", new FirstTwin().Run).Fingerprint);
        Assert.Same(definition.Fingerprint, definition.Fingerprint);
        Assert.True(definition.Shape.HasFingerprint);
    }

    [Fact]
    public void Iterators_of_one_text_have_one_fingerprint_whatever_stands_around_them() =>
        Assert.Equal(Text(new FirstTwin().Run), Text(new SecondTwin().RunAnother));

    [Fact]
    public void Definitions_of_one_text_have_one_fingerprint_whatever_stands_around_them() =>
        Assert.Equal(FirstTwin.Build().Fingerprint, SecondTwin.BuildAnother().Fingerprint);

    [Fact]
    public void The_name_and_the_types_count()
    {
        var fingerprint = Workflow.Define<Order, int>("w").Return(_ => default).Fingerprint;

        Assert.NotEqual(fingerprint, Workflow.Define<Order, int>("v").Return(_ => default).Fingerprint);
        Assert.NotEqual(fingerprint, Workflow.Define<Order, long>("w").Return(_ => default).Fingerprint);
        Assert.NotEqual(fingerprint, Workflow.Define<int, int>("w").Return(_ => default).Fingerprint);
        Assert.NotEqual(Workflow.Define<Order>("w", Plain).Fingerprint, Workflow.Define<Order>("v", Plain).Fingerprint);
    }

    [Fact]
    public void What_a_called_service_does_is_not_the_workflows_code()
    {
        var text = Text(new FirstTwin().Run);

        Assert.Contains("Elsewhere.ChargeAsync(System.Int32)", text);
        Assert.DoesNotContain("text of the service", text);
        Assert.DoesNotContain("get_Calls", text);
    }

    [Fact]
    public void What_makes_steps_is_the_workflows_code_wherever_it_stands()
    {
        var code = new CodeText();
        code.Add(CallsMakers);

        Assert.Contains("text of the maker", code.ToString());
        Assert.Contains("text of the part", code.ToString());
    }

    [Fact]
    public void Code_that_a_method_of_the_users_wrapped_counts()
    {
        static Func<StepState<Order>, Task<int>> Traced(Func<StepState<Order>, Task<int>> body) => x => body(x);

        var one = Workflow.Define<Order, int>("w").Step("s", Traced(_ => Task.FromResult(1))).Return(_ => 0).Fingerprint;
        var same = Workflow.Define<Order, int>("w").Step("s", Traced(_ => Task.FromResult(1))).Return(_ => 0).Fingerprint;
        var two = Workflow.Define<Order, int>("w").Step("s", Traced(_ => Task.FromResult(2))).Return(_ => 0).Fingerprint;

        Assert.Equal(one, same);
        Assert.NotEqual(one, two);
    }

    [Fact]
    public void Code_that_was_wrapped_inside_a_block_counts()
    {
        static string Define(params Func<StepState<Order>, Task<int>>[] bodies)
        {
            var flow = Workflow.Define<Order, int>("w").Step("first", _ => Task.FromResult(0));
            foreach (var given in bodies)
            {
                var body = given;
                for (var number = 0; number < 2; number++)
                {
                    var name = $"s{number}";
                    flow = flow.Step(name, x => name.Length > 0 ? body(x) : Task.FromResult(0));
                }
            }

            return flow.Return(_ => 0).Fingerprint;
        }

        Assert.Equal(Define(One()), Define(One()));
        Assert.NotEqual(Define(One()), Define(Two()));

        static Func<StepState<Order>, Task<int>> One() => _ => Task.FromResult(1);
        static Func<StepState<Order>, Task<int>> Two() => _ => Task.FromResult(2);
    }

    // One closure holds what all lambdas of a method capture, and engines are often launched where their workflows are defined.
    [Fact]
    public void What_was_captured_for_other_code_does_not_count()
    {
        static string Define(Action<string>? report)
        {
            var (told, factor) = (report, 2);
            var tell = () => told?.Invoke("defined");
            tell();
            return Workflow.Define<Order, int>("w").Step("s", x => Task.FromResult(x.Input.Amount * factor)).Return(_ => 0).Fingerprint;
        }

        var texts = new List<string>();
        var silent = Define(null);

        Assert.NotEmpty(silent);
        Assert.Equal(silent, Define(texts.Add));
        Assert.Equal(silent, Define(text => texts.Add(text + ".")));
        Assert.Equal(["defined", "defined."], texts);
    }

    [Fact]
    public async Task What_has_run_before_does_not_count()
    {
        static WorkflowDefinition<Order, int> Define()
        {
            var factor = 2;
            return Workflow.Define<Order, int>("w")
                .Step("sum", x => Task.FromResult(Enumerable.Range(0, 3).Sum(_ => Enumerable.Range(0, 3).Sum(value => value * factor))))
                .Step("more", x => Task.FromResult(factor))
                .Return(x => x.Input.Items.Sum(item => item.Length * factor));
        }

        var before = Define().Fingerprint;
        var definition = Define();
        await BodyDriver.RunAsync(definition, Order.Large);

        Assert.Equal(before, definition.Fingerprint);
    }

    [Fact]
    public void Names_of_other_assemblies_and_their_versions_do_not_count()
    {
        var text = Text(new FirstTwin().Run);

        Assert.DoesNotContain("Version=", text);
        Assert.DoesNotContain("PublicKeyToken", text);
        Assert.DoesNotContain("DisplayClass", text);
        Assert.DoesNotContain("FirstTwin", text);
    }

    [Fact]
    public void Code_that_cannot_be_read_has_no_fingerprint_and_is_no_error()
    {
        var x = Expression.Parameter(typeof(FlowState<Order>));
        var compiled = Expression.Lambda<Func<FlowState<Order>, bool>>(Expression.Constant(true), x).Compile();
        var definition = Workflow.Define<Order>("w").If(compiled, yes => yes).End();

        Assert.Equal("", definition.Fingerprint);
        Assert.False(definition.Shape.HasFingerprint);
    }

    [Fact]
    public void A_dynamic_method_has_no_fingerprint()
    {
        var method = new DynamicMethod("m", typeof(Exception), [typeof(FlowState<Order>)]);
        var il = method.GetILGenerator();
        il.Emit(OpCodes.Ldnull);
        il.Emit(OpCodes.Ret);

        Assert.Equal("", Workflow.Define<Order>("w").Fail(method.CreateDelegate<Func<FlowState<Order>, Exception>>()).End().Fingerprint);
    }

    [Fact]
    public void A_method_of_general_use_counts_by_its_name()
    {
        var code = new CodeText();
        code.Add((Func<FlowState<Order>, string?>)Convert.ToString);

        Assert.Equal("System.Convert.ToString(System.Object) System.String\n", code.ToString());
    }

    [Fact]
    public void A_method_that_is_written_for_a_workflow_counts_with_its_code()
    {
        var code = new CodeText();
        code.Add((Func<FlowState<Order>, bool>)IsLarge);

        Assert.StartsWith("$0\ncode of $0\n", code.ToString());
    }

    [Fact]
    public void Code_in_generic_types_and_methods_is_read()
    {
        var ofText = Workflow.Define<Order, int>("w", Generic<string>.Run<int>);

        Assert.True(ofText.Shape.HasFingerprint);
        Assert.Equal(ofText.Fingerprint, Workflow.Define<Order, int>("w", Generic<string>.Run<int>).Fingerprint);
    }

    [Fact]
    public async Task Many_threads_that_ask_at_once_get_one_answer()
    {
        var definition = Workflow.Define<Order, int>("w", new FirstTwin().Run);

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => definition.Fingerprint)));

        Assert.Single(answers.Distinct());
    }

    private static string Text(Func<Order, WorkflowContext, IAsyncEnumerable<StepOr<int>>> body)
    {
        var code = new CodeText();
        code.Add(body);
        return code.ToString();
    }

    private static bool IsLarge(FlowState<Order> x) => x.Input.Amount > 10;

    private static async IAsyncEnumerable<Step> Plain(Order order, WorkflowContext workflow)
    {
        await Task.Yield();
        yield return Step.Sleep(TimeSpan.Zero);
    }

    private static async IAsyncEnumerable<Step> CallsMakers(Order order, WorkflowContext workflow)
    {
        yield return Elsewhere.Charging(order.Amount);
        await foreach (var step in Elsewhere.Part("p"))
        {
            yield return step;
        }
    }

    private static class Generic<T>
        where T : class
    {
        public static async IAsyncEnumerable<StepOr<int>> Run<TOther>(Order order, WorkflowContext workflow)
            where TOther : struct
        {
            T? captured = null;
            yield return Step.Run("s", async _ =>
            {
                await Task.Yield();
                return new Dictionary<T, List<TOther>>(captured is null ? 1 : 2);
            }).As(out var result);
            yield return result.Result.Count;
        }
    }
}
