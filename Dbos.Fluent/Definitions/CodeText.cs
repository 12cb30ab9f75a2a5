using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Dbos.Fluent.Definitions;

/// <summary>Writes a workflow's own code as text that a rebuild does not change.</summary>
/// <remarks>
/// Its own code is what it is given, what the compiler made of that (state machines, lambdas, local functions), and the methods of the
/// same assembly that make steps or yield them. Any other method is the text of its name: what it does is not the workflow's.
/// </remarks>
[UnconditionalSuppressMessage("Trimming", "IL2026", Justification = Reason)]
[UnconditionalSuppressMessage("Trimming", "IL2070", Justification = Reason)]
[UnconditionalSuppressMessage("Trimming", "IL2075", Justification = Reason)]
[UnconditionalSuppressMessage("Trimming", "IL2080", Justification = Reason)]
internal sealed partial class CodeText
{
    private const string Reason =
        "Code that stays has its IL, and what it refers to stays with it; where something is gone, the fingerprint is unknown.";

    private const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private const BindingFlags Instance = All | BindingFlags.DeclaredOnly;

    private const int CallVirtual = 0x6F;

    // Far above any workflow: what has so many parts is not one workflow's code.
    private const int MembersMax = 10_000;

    private readonly StringBuilder text = new();
    private readonly MemberNames names = new();
    private readonly Queue<MethodBase> unread = [];
    private readonly Dictionary<long, string> found = [];
    private readonly HashSet<long> used = [];
    private Type? self;

    /// <summary>Writes a line about the definition's structure.</summary>
    public void Line(string structure) => text.Append(structure).Append('\n');

    /// <summary>Writes the name of a type.</summary>
    public void Type(Type type) => Line(names.Of(type));

    /// <summary>Writes the user's code behind a delegate.</summary>
    public void Add(Delegate code) => Add(code, []);

    public override string ToString() => text.ToString();

    private bool IsFound(MemberInfo member) => found.ContainsKey(names.KeyOf(member));

    /// <summary>Takes a method as part of the code at hand, and gives its name there.</summary>
    private string Own(MethodBase method)
    {
        var name = names.Own(method);
        if (found.TryAdd(names.KeyOf(method), name))
        {
            unread.Enqueue(method);
            if (method.DeclaringType is { } type && MemberNames.IsGenerated(type))
            {
                OwnStateMachine(type);
            }
        }

        return name;
    }

    // What an async method or an iterator does stands in a type of its own, which the method only makes and starts.
    private void OwnStateMachine(Type type)
    {
        if (found.TryAdd(names.KeyOf(type), "")
            && (typeof(IAsyncStateMachine).IsAssignableFrom(type) || typeof(IEnumerator).IsAssignableFrom(type)))
        {
            Own(type.GetMethod(nameof(IAsyncStateMachine.MoveNext), Instance)
                ?? throw new NotSupportedException("A state machine without its code."));
        }
    }

    private void Read()
    {
        while (unread.TryDequeue(out var method))
        {
            if (found.Count > MembersMax)
            {
                throw new NotSupportedException("There is no end to this code.");
            }

            Line("code of " + names.Own(method));
            Read(method);
        }
    }

    private void Read(MethodBase method)
    {
        var body = method.GetMethodBody() ?? throw new NotSupportedException($"The code of {method.Name} cannot be read.");
        var scope = new CodeScope(method);
        var il = new IlReader(body.GetILAsByteArray());
        while (il.Next())
        {
            text.Append(CultureInfo.InvariantCulture, $"{il.Code:x} ");
            text.Append(il.Kind switch
            {
                IlOperand.Literal => Convert.ToHexString(il.Operand),
                IlOperand.Text => '"' + scope.Text(il.Token) + '"',
                IlOperand.Member => Referred(Called(scope.Member(il.Token), il.Code), scope.Module),
                _ => "",
            }).Append('\n');
        }

        foreach (var clause in body.ExceptionHandlingClauses)
        {
            text.Append(CultureInfo.InvariantCulture, $"clause {(int)clause.Flags} {clause.TryOffset} {clause.TryLength} ");
            text.Append(CultureInfo.InvariantCulture, $"{clause.HandlerOffset} {clause.HandlerLength} ");
            Line(clause is { Flags: ExceptionHandlingClauseOptions.Clause, CatchType: { } caught } ? names.Of(caught) : "");
        }
    }

    // A call names the method that was declared; which one makes the steps is known by the object that the code at hand belongs to.
    private MemberInfo Called(MemberInfo member, int operation)
    {
        if (self is null || operation != CallVirtual
            || member is not MethodInfo { IsVirtual: true, ReturnType: var type } called || !IsOfSteps(type))
        {
            return member;
        }

        var declared = names.KeyOf(called.GetBaseDefinition());
        var overrides = self.GetMethods(All).Where(method => method.IsVirtual && names.KeyOf(method.GetBaseDefinition()) == declared);
        return overrides.FirstOrDefault() ?? called;
    }

    private string Referred(MemberInfo member, Module by)
    {
        if (member.DeclaringType is { } declaring && MemberNames.IsGenerated(declaring))
        {
            OwnStateMachine(declaring);
        }

        if (member is FieldInfo)
        {
            used.Add(names.KeyOf(member));
        }

        return member switch
        {
            Type type => names.Of(type),
            FieldInfo field => names.Of(field),
            MethodBase method when IsOwn(method, by) => Own(method),
            MethodBase method => names.Of(method),
            _ => throw new NotSupportedException($"A token of kind {member.MemberType}."),
        };
    }

    private static bool IsOwn(MethodBase method, Module by) =>
        MemberNames.IsGenerated(method) || (method.Module == by && MakesSteps(method));

    // A method of general use that is handed over by its name, such as Convert.ToString, is not part of the workflow. One that stands in
    // no type was made while the program runs, and is unknown.
    private static bool IsForWorkflows(MethodInfo method) =>
        method.DeclaringType is null
        || MemberNames.IsGenerated(method)
        || MakesSteps(method)
        || method.GetParameters().Any(parameter => parameter.ParameterType.Assembly == typeof(Step).Assembly);

    private static bool MakesSteps(MethodBase method) =>
        !method.IsAbstract && method is MethodInfo { ReturnType: var type } && IsOfSteps(type);

    private static bool IsOfSteps(Type type) =>
        typeof(Step).IsAssignableFrom(type)
        || (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(StepOr<>) || type.GetGenericArguments().Any(IsOfSteps)))
        || (type.IsArray && IsOfSteps(type.GetElementType()!));
}
