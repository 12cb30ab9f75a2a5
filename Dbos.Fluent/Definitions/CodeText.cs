using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Dbos.Fluent.Definitions;

/// <summary>Writes a workflow's own code as text that a rebuild does not change.</summary>
/// <remarks>
/// Its own code is each method given here, what the compiler made of it (state machines, lambdas, local functions), and the methods of the
/// same assembly that make steps or yield them. Any other method is the text of its name: what it does is not the workflow's.
/// </remarks>
[UnconditionalSuppressMessage("Trimming", "IL2026", Justification = Reason)]
[UnconditionalSuppressMessage("Trimming", "IL2070", Justification = Reason)]
[UnconditionalSuppressMessage("Trimming", "IL2075", Justification = Reason)]
internal sealed class CodeText
{
    private const string Reason =
        "Code that stays has its IL, and what it refers to stays with it; where something is gone, the fingerprint is unknown.";

    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    // Far above any workflow: what refers to so many methods is not one workflow's code.
    private const int MethodsMax = 10_000;

    private readonly StringBuilder text = new();
    private readonly MemberNames names = new();
    private readonly Queue<MethodBase> unread = [];
    private readonly HashSet<(Module, int)> known = [];

    /// <summary>Writes a line about the definition's structure.</summary>
    public void Line(string structure) => text.Append(structure).Append('\n');

    /// <summary>Writes the name of a type.</summary>
    public void Type(Type type) => Line(names.Of(type));

    /// <summary>Writes the user's code behind a delegate.</summary>
    public void Add(Delegate code)
    {
        Own(code.Method);
        Read();
        if (code.Target is not { } closure || !MemberNames.IsGenerated(closure.GetType()))
        {
            return;
        }

        // Code that a method of the user's wrapped, such as one that adds logging to each body, is reached only through what it captured.
        foreach (var field in closure.GetType().GetFields(Instance).OrderBy(field => field.MetadataToken))
        {
            if (field.GetValue(closure) is Delegate wrapped && wrapped.Method.Module == code.Method.Module && !IsKnown(wrapped.Method))
            {
                Add(wrapped);
            }
        }
    }

    public override string ToString() => text.ToString();

    private bool IsKnown(MethodBase method) => known.Contains((method.Module, method.MetadataToken));

    private void Own(MethodBase method)
    {
        Line(names.Own(method));
        if (known.Add((method.Module, method.MetadataToken)))
        {
            unread.Enqueue(method);
        }
    }

    private void Read()
    {
        while (unread.TryDequeue(out var method))
        {
            if (known.Count > MethodsMax)
            {
                throw new NotSupportedException("There is no end to this code.");
            }

            Line("code of " + names.Own(method));
            Read(method);
            if (method.GetCustomAttribute<StateMachineAttribute>()?.StateMachineType is { } machine)
            {
                Own(machine.GetMethod("MoveNext", Instance) ?? throw new NotSupportedException("A state machine without its code."));
            }
        }
    }

    private void Read(MethodBase method)
    {
        var body = method.GetMethodBody() ?? throw new NotSupportedException($"The code of {method.Name} cannot be read.");
        var code = new CodeScope(method);
        foreach (var instruction in IlReader.Read(body.GetILAsByteArray() ?? []))
        {
            text.Append(instruction.OpCode.Name).Append(' ').Append(Operand(instruction, code)).Append('\n');
        }

        foreach (var clause in body.ExceptionHandlingClauses)
        {
            var caught = clause is { Flags: ExceptionHandlingClauseOptions.Clause, CatchType: { } type } ? names.Of(type) : "";
            Line(string.Create(
                CultureInfo.InvariantCulture,
                $"{clause.Flags} {clause.TryOffset} {clause.TryLength} {clause.HandlerOffset} {clause.HandlerLength} {caught}"));
        }
    }

    private string Operand(IlInstruction instruction, CodeScope code) => instruction.Kind switch
    {
        IlOperand.Literal => Convert.ToHexString(instruction.Literal.Span),
        IlOperand.Text => '"' + code.Text(instruction.Token) + '"',
        IlOperand.Member => code.Member(instruction.Token) switch
        {
            Type type => names.Of(type),
            FieldInfo field => names.Of(field),
            MethodBase called => Called(called, code.Module),
            var unknown => throw new NotSupportedException($"A token of kind {unknown.MemberType}."),
        },
        _ => "",
    };

    private string Called(MethodBase method, Module caller)
    {
        if (!MemberNames.IsGenerated(method) && !(method.Module == caller && MakesSteps(method)))
        {
            return names.Of(method);
        }

        if (known.Add((method.Module, method.MetadataToken)))
        {
            unread.Enqueue(method);
        }

        return names.Own(method);
    }

    private static bool MakesSteps(MethodBase method) =>
        !method.IsAbstract && method is MethodInfo { ReturnType: var type } && IsOfSteps(type);

    private static bool IsOfSteps(Type type) =>
        typeof(Step).IsAssignableFrom(type)
        || (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(StepOr<>) || type.GetGenericArguments().Any(IsOfSteps)))
        || (type.IsArray && IsOfSteps(type.GetElementType()!));
}
